/** The lines of a source: numbered as they come, and kept until they are stored. */

/** How far a source is read before anybody wants its lines: what arrives together goes together. */
const LINES_AHEAD = 500
const CHARACTERS_AHEAD = 64 * 1024

/** Reads a source a little ahead, and lets go of a line only when it is told to. */
export class Lines<T> {
  readonly #source: AsyncIterator<T>
  readonly #lineOf: (item: T, seq: number) => string
  /** The kept lines; the first of them has the number `#first`. */
  readonly #kept: string[] = []
  #first = 0
  #count = 0
  #wanted = 0
  /** Characters of the lines that nobody wanted yet. */
  #unwanted = 0
  #reading = false
  #ended = false
  #failure: { thrown: unknown } | undefined
  #news = signal()

  constructor(source: AsyncIterable<T>, lineOf: (item: T, seq: number) => string) {
    this.#source = source[Symbol.asyncIterator]()
    this.#lineOf = lineOf
  }

  /** How many lines the source has given. */
  get count(): number {
    return this.#count
  }

  /** The number of the first line that is still kept. */
  get first(): number {
    return this.#first
  }

  /** Throws what the source threw. */
  throwIfFailed() {
    if (this.#failure) throw this.#failure.thrown
  }

  /** Waits for this line: `false` when the source has ended before it. */
  async reach(seq: number): Promise<boolean> {
    this.#want(seq)
    while (seq >= this.#count && !this.#ended) await this.#news.promise
    return seq < this.#count
  }

  /** The lines that are there, from this one on. */
  from(seq: number, most: number): string[] {
    const at = seq - this.#first
    const lines = this.#kept.slice(at, at + most)
    this.#want(seq + lines.length)
    return lines
  }

  /** Lets go of the lines below this one, also of those that are still to come. */
  forget(below: number) {
    if (below <= this.#first) return
    this.#want(below)
    this.#kept.splice(0, below - this.#first)
    this.#first = below
  }

  /** Tells the source that nothing more is wanted. */
  stop() {
    this.#end()
    // A source that hangs would never answer; nobody waits for it.
    void this.#source.return?.()?.then(undefined, () => {})
  }

  /** Whoever wants a line has taken all before it. */
  #want(seq: number) {
    for (; this.#wanted < seq; this.#wanted += 1) {
      this.#unwanted -= this.#kept[this.#wanted - this.#first]?.length ?? 0
    }
    if (!this.#reading) void this.#read()
  }

  /** Reads on its own: what it takes outlives the connection that wanted it. */
  async #read() {
    this.#reading = true
    try {
      while (!this.#ended && this.#hasRoom()) {
        const { done, value } = await this.#source.next()
        if (this.#ended) break
        if (done) this.#end()
        else this.#add(value)
      }
    } catch (thrown) {
      this.#failure = { thrown }
      this.#end()
    }
    this.#reading = false
  }

  /** The line that is wanted is read in any case. */
  #hasRoom(): boolean {
    const ahead = this.#count - this.#wanted
    return ahead <= 0 || (ahead < LINES_AHEAD && this.#unwanted < CHARACTERS_AHEAD)
  }

  #add(item: T) {
    const line = this.#lineOf(item, this.#count)
    if (this.#count >= this.#first) {
      this.#kept.push(line)
      if (this.#count >= this.#wanted) this.#unwanted += line.length
    }
    this.#count += 1
    this.#tell()
  }

  #end() {
    this.#ended = true
    this.#tell()
  }

  #tell() {
    this.#news.resolve()
    this.#news = signal()
  }
}

function signal() {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
