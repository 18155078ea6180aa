import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  base: './',
  plugins: [react()],
  // The packages of this checkout are linked; there is one React all the same.
  resolve: { dedupe: ['react', 'react-dom'] },
  // The backend of ../backend-node.
  server: { proxy: { '/chat': 'http://localhost:8080', '/access': 'http://localhost:8080' } },
})
