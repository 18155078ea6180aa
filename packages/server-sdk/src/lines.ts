/** The lines of a source: numbered as they come, and kept until they are stored. */

/** Reads a source a little ahead, and lets go of a line only when it is told to. */
export class Lines<T> {
  readonly #source: AsyncIterator<T>
  readonly #ahead: number
  readonly #lineOf: (item: T, seq: number) => string
  /** The kept lines; the first of them has the number `#first`. */
  readonly #kept: string[] = []
  #first = 0
  #count = 0
  #wanted = 0
  #reading = false
  #ended = false
  #failure: { thrown: unknown } | undefined
  #news = signal()

  /** `ahead` lines are read before anybody wants them. */
  constructor(source: AsyncIterable<T>, ahead: number, lineOf: (item: T, seq: number) => string) {
    this.#source = source[Symbol.asyncIterator]()
    this.#ahead = ahead
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
    this.#kept.splice(0, below - this.#first)
    this.#first = below
  }

  /** Tells the source that nothing more is wanted. */
  stop() {
    this.#end()
    // A source that hangs would never answer; nobody waits for it.
    void this.#source.return?.()?.then(undefined, () => {})
  }

  #want(seq: number) {
    this.#wanted = Math.max(this.#wanted, seq)
    if (!this.#reading) void this.#read()
  }

  /** Reads on its own: what it takes outlives the connection that wanted it. */
  async #read() {
    this.#reading = true
    try {
      while (!this.#ended && this.#count <= this.#wanted + this.#ahead) {
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

  #add(item: T) {
    const line = this.#lineOf(item, this.#count)
    if (this.#count >= this.#first) this.#kept.push(line)
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
