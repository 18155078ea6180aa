/** The texts of streams that model libraries give. Only the shapes count: nothing is imported. */

/** The part of a chunk that chat completions stream. */
interface ChatChunk {
  choices: readonly { index?: number; delta?: { content?: string | null } }[]
}

/** An event that the responses interface streams. */
interface ResponseEvent {
  type: string
  delta?: unknown
  message?: unknown
}

/** A part of a full stream of the AI SDK. */
interface StreamPart {
  type: string
  text?: unknown
  textDelta?: unknown
  delta?: unknown
  error?: unknown
}

/**
 * The text of an OpenAI stream, of chat completions (its first choice) or of responses.
 *
 * @throws What the stream tells as an error.
 */
export async function* fromOpenAI(
  stream: AsyncIterable<ChatChunk | ResponseEvent>,
): AsyncGenerator<string, void, undefined> {
  for await (const chunk of stream) {
    if ('choices' in chunk) {
      const choice = chunk.choices.find(({ index = 0 }) => index === 0)
      if (choice?.delta?.content) yield choice.delta.content
    } else if (chunk.type === 'response.output_text.delta') {
      if (typeof chunk.delta === 'string' && chunk.delta !== '') yield chunk.delta
    } else if (chunk.type === 'error') {
      throw new Error(String(chunk.message ?? 'the stream told an error'))
    }
  }
}

/**
 * The text of an AI SDK stream: `textStream`, `fullStream`, or the result that holds them.
 *
 * @throws What the stream tells as an error.
 */
export async function* fromAISDK(
  source:
    | AsyncIterable<string | StreamPart>
    | { fullStream: AsyncIterable<string | StreamPart> }
    | { textStream: AsyncIterable<string> },
): AsyncGenerator<string, void, undefined> {
  for await (const part of streamOf(source)) {
    if (typeof part === 'string') {
      if (part !== '') yield part
    } else if (part.type === 'text-delta') {
      const text = part.text ?? part.textDelta ?? part.delta
      if (typeof text === 'string' && text !== '') yield text
    } else if (part.type === 'error') {
      throw part.error instanceof Error ? part.error : new Error(String(part.error))
    }
  }
}

function streamOf(source: Parameters<typeof fromAISDK>[0]): AsyncIterable<string | StreamPart> {
  if ('fullStream' in source) return source.fullStream
  return 'textStream' in source ? source.textStream : source
}
