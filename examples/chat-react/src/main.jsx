import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Chat } from './chat.jsx'
import './style.css'

createRoot(document.body.appendChild(document.createElement('main'))).render(
  <StrictMode>
    <Chat />
  </StrictMode>,
)
