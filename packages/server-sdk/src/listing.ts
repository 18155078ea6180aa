/** Lists of tasks, page by page. */

import type { components } from '@taskcast/client'
import type { Http } from './http.js'
import type { CallOptions, Task, TaskQuery } from './types.js'

type Page = components['schemas']['TaskList']

/**
 * The tasks that a query fits, newest first. Iterating asks for one page after another, no sooner
 * than it is needed; each new iteration begins anew.
 */
export class TaskListing implements AsyncIterable<Task> {
  readonly #http: Http
  readonly #query: TaskQuery & CallOptions

  constructor(http: Http, query: TaskQuery & CallOptions) {
    this.#http = http
    this.#query = query
  }

  /** Page by page. A page may be empty although more follow. */
  async *pages(): AsyncGenerator<Task[], void, undefined> {
    const { signal, status, type, tags, limit } = this.#query
    let cursor: string | undefined
    do {
      const query = { status: words(status), type: words(type), tags: words(tags), limit, cursor }
      const page = await this.#http.repeat<Page>({ path: '/tasks', query, signal })
      yield page.tasks
      cursor = page.nextCursor
    } while (cursor !== undefined)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Task, void, undefined> {
    for await (const page of this.pages()) yield* page
  }
}

/** As lists stand in queries. */
export function words(list: string | readonly string[] | undefined): string | undefined {
  return typeof list === 'object' ? list.join(',') : list
}
