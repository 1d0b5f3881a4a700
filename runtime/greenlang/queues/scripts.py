"""What is done with the streams, each in one atomic call: scripts in Lua, as Redis 7 runs them.

KEYS are the streams of P0 to P3 and that of dead letters; a stream is told by its place among them.
"""

from __future__ import annotations

__all__ = ["RECOVER", "SEND", "TAKE"]

#: ARGV: group, signals that a stream keeps, how many are added, (stream, signal)…, (stream, id)… that are
#: done. These are deleted too, so that a stream holds no more than what waits or is held.
SEND = """
local added = tonumber(ARGV[3])
for place = 4, 3 + 2 * added, 2 do
    redis.call('XADD', KEYS[tonumber(ARGV[place])], 'MAXLEN', '~', ARGV[2], '*', 'signal', ARGV[place + 1])
end
for place = 4 + 2 * added, #ARGV, 2 do
    local stream = KEYS[tonumber(ARGV[place])]
    redis.call('XACK', stream, ARGV[1], ARGV[place + 1])
    redis.call('XDEL', stream, ARGV[place + 1])
end
"""

#: ARGV: group, consumer, how many to take, the stream that is favoured, how many it gets before all others.
#: Gives (stream, id, signal)…
TAKE = """
local taken, left = {}, tonumber(ARGV[3])
local function take(stream, most)
    if most <= 0 then
        return
    end
    local read = redis.call(
        'XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', most, 'STREAMS', KEYS[stream], '>')
    for _, entry in ipairs(read and read[1][2] or {}) do
        taken[#taken + 1] = {stream, entry[1], entry[2][2]}
        left = left - 1
    end
end
take(tonumber(ARGV[4]), math.min(left, tonumber(ARGV[5])))
for stream = 1, #KEYS - 1 do
    take(stream, left)
end
return taken
"""

#: ARGV: group, consumer, milliseconds after which whoever holds a signal is taken for dead, how many to take
#: over of each stream, how often a signal is given out, dead letters kept.  Gives (stream, id, signal)…
RECOVER = """
local taken = {}
for stream = 1, #KEYS - 1 do
    local key = KEYS[stream]
    local claimed = redis.call('XAUTOCLAIM', key, ARGV[1], ARGV[2], ARGV[3], '0-0', 'COUNT', ARGV[4])[2]
    for _, entry in ipairs(claimed) do
        local held = redis.call('XPENDING', key, ARGV[1], entry[1], entry[1], 1)[1]
        if held[4] > tonumber(ARGV[5]) then
            redis.call('XADD', KEYS[#KEYS], 'MAXLEN', '~', ARGV[6], '*',
                'signal', entry[2][2], 'reason', 'every worker that had it died', 'times', held[4] - 1)
            redis.call('XACK', key, ARGV[1], entry[1])
            redis.call('XDEL', key, entry[1])
        else
            taken[#taken + 1] = {stream, entry[1], entry[2][2]}
        end
    end
    for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', key, ARGV[1])) do
        if consumer[4] == 0 and consumer[6] > 3600000 then -- holds nothing, and took nothing for an hour
            redis.call('XGROUP', 'DELCONSUMER', key, ARGV[1], consumer[2])
        end
    end
end
return taken
"""
