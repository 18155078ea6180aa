/** A `fetch` that answers from a script: each call takes the next answer. */

/** What was asked. */
export interface ScriptedCall {
  url: URL
  headers: Headers
  /** `Date.now()` of the call. */
  at: number
  signal: AbortSignal | undefined
}

/** An answer: pieces of a stream with pauses in milliseconds between them, a response, or a failure. */
export type Answer =
  | Response
  | Error
  | {
      pieces: (string | Uint8Array | number)[]
      /** `end` closes in good order, `cut` breaks off, `hang` stays silent. Default `end`. */
      ending?: 'end' | 'cut' | 'hang'
    }

/** Makes the function, and a list of the calls it took. The last answer is given again. */
export function scripted(answers: Answer[]) {
  const calls: ScriptedCall[] = []
  const fetch = async (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const signal = init.signal ?? undefined
    calls.push({
      url: new URL(String(input)),
      headers: new Headers(init.headers),
      at: Date.now(),
      signal,
    })
    signal?.throwIfAborted()
    const answer = answers[Math.min(calls.length, answers.length) - 1]
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error('no answer')
    if (answer instanceof Response) return answer.clone()
    const body = bodyOf(answer.pieces, answer.ending ?? 'end', signal)
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
  return { fetch: fetch as typeof globalThis.fetch, calls }
}

function bodyOf(
  pieces: (string | Uint8Array | number)[],
  ending: 'end' | 'cut' | 'hang',
  signal: AbortSignal | undefined,
) {
  const encoder = new TextEncoder()
  let at = 0
  return new ReadableStream<Uint8Array>({
    start(controller) {
      signal?.addEventListener('abort', () => controller.error(signal.reason))
    },
    async pull(controller) {
      let piece = pieces[at++]
      for (; typeof piece === 'number'; piece = pieces[at++]) await pause(piece)
      if (piece !== undefined) {
        controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece)
      } else if (ending === 'end') controller.close()
      else if (ending === 'cut') controller.error(new TypeError('terminated'))
      else await new Promise(() => {})
    },
  })
}

function pause(millis: number) {
  return new Promise((resolve) => setTimeout(resolve, millis))
}
