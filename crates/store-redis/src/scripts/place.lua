-- Where a task is. KEYS: META, NOTES. ARGV: id. Answers the task or nothing, and its notes.
return {
  redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'tail', 'trim', 'at', 'commit', 'base', 'record'),
  redis.call('HGET', KEYS[2], ARGV[1]) or '',
}
