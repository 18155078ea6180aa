/** The event stream format, as the HTML standard describes it. */

/** What one block of a stream says. */
export interface Frame {
  /** The name of the event; empty where none is given. */
  event: string
  /** Absent in a block that only moves the cursor. */
  data: string | undefined
  /** Absent where the block does not change the last id. */
  id: string | undefined
}

/** Characters of one frame. Far above every limit of a server; memory has to end somewhere. */
const MOST_CHARACTERS = 1 << 28

/**
 * Turns a stream that arrives in pieces into frames.
 *
 * The parsers of the registries drop a block without data. Here such a block matters: it moves the
 * cursor of a reader whose filter lets little through.
 */
export class FrameParser {
  /** Milliseconds of the last `retry:` line. */
  retry: number | undefined
  /** How many such lines there were. */
  retries = 0

  #line = ''
  #afterReturn = false
  #event = ''
  #data: string | undefined
  #id: string | undefined

  /** Takes the next piece and gives the frames that it completes. */
  push(text: string): Frame[] {
    const frames: Frame[] = []
    if (text === '') return frames
    let start = this.#afterReturn && text[0] === '\n' ? 1 : 0
    this.#afterReturn = text.endsWith('\r')
    const ends = /\r\n?|\n/g
    ends.lastIndex = start
    for (let end = ends.exec(text); end; end = ends.exec(text)) {
      this.#take(this.#line + text.slice(start, end.index), frames)
      this.#line = ''
      start = ends.lastIndex
    }
    this.#line += text.slice(start)
    if (this.#line.length + (this.#data?.length ?? 0) > MOST_CHARACTERS) {
      throw new RangeError(`a frame has more than ${MOST_CHARACTERS} characters`)
    }
    return frames
  }

  #take(line: string, frames: Frame[]) {
    if (line === '') return this.#dispatch(frames)
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1))
    if (field === 'data') this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`
    else if (field === 'event') this.#event = value
    else if (field === 'id' && !value.includes('\0')) this.#id = value
    else if (field === 'retry' && /^\d+$/.test(value)) {
      this.retry = Number(value)
      this.retries += 1
    }
  }

  #dispatch(frames: Frame[]) {
    if (this.#data !== undefined || this.#id !== undefined) {
      frames.push({ event: this.#event, data: this.#data, id: this.#id })
    }
    this.#event = ''
    this.#data = undefined
    this.#id = undefined
  }
}
