import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Frame, FrameParser } from '../src/parser.js'

const line = fc.oneof(
  fc.constantFrom(
    '',
    '',
    'data',
    'id',
    ': hb',
    ':',
    'data:  x',
    'event: taskcast.event',
    'retry: 7',
  ),
  fc
    .tuple(
      fc.constantFrom('data', 'id', 'event', 'other', ''),
      fc.constantFrom(':', ': '),
      fc.string(),
    )
    .map((parts) => parts.join('').replace(/[\r\n]/g, '')),
)
const stream = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')))
  .map((lines) => lines.map((parts) => parts.join('')).join(''))

test('a stream in pieces, cut at any bytes, has the frames of the whole', () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat()), (text, cuts) => {
      const bytes = new TextEncoder().encode(text)
      const at = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
        (a, b) => a - b,
      )
      const decoder = new TextDecoder()
      const parser = new FrameParser()
      let from = 0
      const frames = at.flatMap((to) => {
        const piece = parser.push(decoder.decode(bytes.slice(from, to), { stream: true }))
        from = to
        return piece
      })
      const whole = new FrameParser()
      expect(frames).toEqual(whole.push(text))
      expect(parser.retries).toBe(whole.retries)
    }),
  )
})

test('frames with data are those of eventsource-parser', () => {
  fc.assert(
    fc.property(stream, (text) => {
      const theirs: Frame[] = []
      const parser = createParser({
        onEvent: ({ event = '', data, id }) => theirs.push({ event, data, id }),
      })
      // Theirs waits for what follows a last CR; an LF there changes nothing.
      parser.feed(text.endsWith('\r') ? `${text}\n` : text)
      const ours = new FrameParser().push(text).filter((frame) => frame.data !== undefined)
      expect(ours).toEqual(theirs)
    }),
  )
})

test('a block without data moves the cursor', () => {
  const frames = new FrameParser().push(': hb\n\nid: e7~\n\nevent: x\n\n')
  expect(frames).toEqual([{ event: '', data: undefined, id: 'e7~' }])
})

test('the last retry counts, and nonsense is none', () => {
  const parser = new FrameParser()
  parser.push('retry: 2137\n: open\n\nretry: soon\nretry: -1\n\n')
  expect(parser).toMatchObject({ retry: 2137, retries: 1 })
})
