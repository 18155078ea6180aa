import { expect, test } from 'vitest'
import { fromAISDK, fromOpenAI } from '../src/index.js'

async function* stream<T>(...parts: T[]): AsyncGenerator<T> {
  yield* parts
}

async function textsOf(source: AsyncIterable<string>): Promise<string[]> {
  const texts: string[] = []
  for await (const text of source) texts.push(text)
  return texts
}

test('chat completions: the text of the first choice', async () => {
  const chunks = stream(
    { choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] },
    {
      choices: [
        { index: 1, delta: { content: 'other' } },
        { index: 0, delta: { content: 'Hel' } },
      ],
    },
    { choices: [{ index: 0, delta: { content: 'lo' } }] },
    { choices: [{ index: 0, delta: { content: null }, finish_reason: 'stop' }] },
    { choices: [], usage: { total_tokens: 3 } },
  )
  expect(await textsOf(fromOpenAI(chunks))).toEqual(['Hel', 'lo'])
})

test('responses: the deltas of the output text', async () => {
  const events = stream(
    { type: 'response.created' },
    { type: 'response.output_text.delta', delta: 'Hel' },
    { type: 'response.reasoning_text.delta', delta: 'hm' },
    { type: 'response.output_text.delta', delta: 'lo' },
    { type: 'response.completed' },
  )
  expect(await textsOf(fromOpenAI(events))).toEqual(['Hel', 'lo'])
  await expect(textsOf(fromOpenAI(stream({ type: 'error', message: 'too long' })))).rejects.toThrow(
    'too long',
  )
})

test('the AI SDK: text streams, full streams, and results that hold them', async () => {
  const parts = [
    { type: 'start' },
    { type: 'text-delta', id: '1', text: 'Hel' },
    { type: 'reasoning-delta', id: '2', text: 'hm' },
    { type: 'text-delta', textDelta: 'lo' },
    { type: 'finish' },
  ]
  expect(await textsOf(fromAISDK(stream(...parts)))).toEqual(['Hel', 'lo'])
  expect(await textsOf(fromAISDK({ fullStream: stream(...parts) }))).toEqual(['Hel', 'lo'])
  expect(await textsOf(fromAISDK({ textStream: stream('Hel', '', 'lo') }))).toEqual(['Hel', 'lo'])
  const failure = fromAISDK(stream({ type: 'error', error: new Error('no model') }))
  await expect(textsOf(failure)).rejects.toThrow('no model')
})
