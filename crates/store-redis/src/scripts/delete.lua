-- Deletes a task, if it is still this log. ARGV: id, epoch, keep notes.
local id, epoch = ARGV[1], ARGV[2]
if redis.call('HGET', META, 'epoch') ~= epoch then return 0 end
although_full()
remove(id)
if ARGV[3] == '1' then note_deleted(id, epoch) end
return 1
