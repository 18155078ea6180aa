// Stands in for a model: a stream of tokens that needs no network and no key. The same prompt gives
// the same text. Replace it with `fromOpenAI(await openai.chat.completions.create({ … }))`, or with
// `fromAISDK(streamText({ … }))`, both from @taskcast/server-sdk.

import { setTimeout as sleep } from 'node:timers/promises'

const words =
  'a the one every stream task event token log answer reader page letter river night morning café ' +
  'naïve größer 日本 🎉 is was follows carries holds begins ends waits knows tells of in with before ' +
  'after where quietly again slowly exactly'
const vocabulary = words.split(' ')

/**
 * @typedef {object} Pace
 * @property {number} [tokens] How many tokens there are.
 * @property {number} [delay] Milliseconds between two tokens; ten times that after a sentence.
 *
 * @param {string} prompt
 * @param {Pace} [pace]
 * @returns {AsyncGenerator<string, void, undefined>}
 */
export async function* generate(prompt, { tokens = 200, delay = 25 } = {}) {
  for (const token of tokensOf(prompt, tokens)) {
    yield token
    await sleep(token.endsWith('.') ? delay * 10 : delay)
  }
}

/**
 * All that the model says to a prompt.
 * @param {string} prompt
 * @param {number} [tokens]
 */
export function wholeAnswer(prompt, tokens = 200) {
  return [...tokensOf(prompt, tokens)].join('')
}

/**
 * @param {string} prompt
 * @param {number} count
 */
function* tokensOf(prompt, count) {
  let state = [...prompt].reduce((sum, letter) => sum * 31 + (letter.codePointAt(0) ?? 0), 7) >>> 0
  yield `You asked: “${prompt}”.`
  for (let at = 1; at < count; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const word = vocabulary[(state >>> 8) % vocabulary.length]
    yield at % 12 === 11 ? ` ${word}.` : ` ${word}`
  }
}
