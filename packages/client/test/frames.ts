/** Streams as a server writes them. */

/** How every stream begins. */
export const opening = 'retry: 2000\n: open\n\n'

/** An event frame. `id` is the cursor where it differs from the event's id. */
export function event(index: number, more: Record<string, unknown> = {}, id = `e${index}`): string {
  const envelope = {
    filteredIndex: index,
    rawIndex: index,
    eventId: `e${index}`,
    taskId: 't',
    type: 'x',
    timestamp: 1,
    level: 'info',
    ...more,
  }
  return `event: taskcast.event\ndata: ${JSON.stringify(envelope)}\nid: ${id}\n\n`
}

/** A part of the series `answer`. */
export function delta(index: number, text: string): string {
  return event(index, { data: { delta: text }, seriesId: 'answer', seriesMode: 'accumulate' })
}

/** The series `answer` folded, as it stands at an index. */
export function snapshot(index: number, text: string): string {
  const series = { seriesId: 'answer', seriesMode: 'accumulate', seriesSnapshot: true }
  return event(index, { data: { delta: text }, ...series }, `e${index}~`)
}

/** The end. */
export const done = 'event: taskcast.done\ndata: {"reason":"completed"}\nid: end\n\n'

/** A gap. */
export const gap =
  'event: taskcast.gap\ndata: {"requested":"e1","earliest":5,"reason":"trimmed"}\n\n'
