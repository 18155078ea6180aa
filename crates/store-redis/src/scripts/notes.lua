-- Changes the notes of a task. KEYS: as everywhere. ARGV: id, 'deleted', epoch | 'settle', word.
although_full()
if ARGV[2] == 'deleted' then note_deleted(ARGV[1], ARGV[3]) else strike(ARGV[1], function(word) return word == ARGV[3] end) end
return 1
