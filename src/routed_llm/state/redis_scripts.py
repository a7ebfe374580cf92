"""What Redis is asked to do in one step: scripts of Lua. Each runs alone, so that no two processes can come between.

Time is that of Redis, in milliseconds: processes whose clocks differ agree on it, and learn of durations only. A script reads
and writes keys that it was given, which lie in one slot of a cluster. What cannot be read, because somebody else wrote it, is
left alone, and overwritten where it stands in the way.
"""

from __future__ import annotations

__all__ = ["BENCH", "BENCHES", "DRAW", "FREE", "LET_GO", "LIVE", "RATE", "RENEW", "TOKEN"]

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

#: KEYS: numbers of processes. ARGV: this process, milliseconds after which it counts as dead, its numbers (empty: it ends).
#: Gives what the other living processes tell: name, text, name, text ...
LIVE = (
    _NOW
    + """
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  return {}
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f|', now + ARGV[2]) .. ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2] * 20)
local all, told = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do
  local ends, text = string.match(all[i + 1], '^(%d+)|(.*)$')
  if ends and tonumber(ends) < now then
    redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= ARGV[1] then
    told[#told + 1] = all[i]
    told[#told + 1] = text or all[i + 1]
  end
end
return told
"""
)

#: KEYS: benches. ARGV: milliseconds after whose end a bench is forgotten. Gives the time, and name, record, name, record ...
#: A record is ``until|kind|level|began|why`` (kind: 1 firm, 2 only slow); ``until`` 0 says that the deployment works again.
BENCHES = (
    _NOW
    + """
local all, told = redis.call('HGETALL', KEYS[1]), {string.format('%.0f', now)}
for i = 1, #all, 2 do
  local ends, began = string.match(all[i + 1], '^(%d+)|%d+|%d+|(%d+)|')
  if ends and math.max(tonumber(ends), tonumber(began)) + ARGV[1] < now then
    redis.call('HDEL', KEYS[1], all[i])
  else
    told[#told + 1] = all[i]
    told[#told + 1] = all[i + 1]
  end
end
return told
"""
)

#: KEYS: benches. ARGV: deployment, milliseconds, kind, level, why, milliseconds after which all is forgotten.
#: A bench is extended, never shortened. Gives the time and the record that holds now.
BENCH = (
    _NOW
    + """
local old = redis.call('HGET', KEYS[1], ARGV[1])
local ends, record = now + ARGV[2], nil
if old then
  local before = string.match(old, '^(%d+)|%d+|%d+|%d+|')
  if before and tonumber(before) >= ends then record = old end
end
if not record then
  record = string.format('%.0f|%s|%s|%.0f|%s', ends, ARGV[3], ARGV[4], now, ARGV[5])
  redis.call('HSET', KEYS[1], ARGV[1], record)
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
return {string.format('%.0f', now), record}
"""
)

#: KEYS: benches. ARGV: deployment, the record that is over. A bench that began since then stays.
FREE = (
    _NOW
    + """
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], string.format('0|0|0|%.0f|', now))
  return 1
end
return 0
"""
)

#: KEYS: a token, benches. ARGV: who wants it, milliseconds, deployment. Gives whether it was free and the deployment is not
#: left alone (again), the time, and the record of its bench.
TOKEN = (
    _NOW
    + """
local record = redis.call('HGET', KEYS[2], ARGV[3]) or ''
local ends, taken = string.match(record, '^(%d+)|%d+|%d+|%d+|'), 0
if (not ends or tonumber(ends) <= now) and redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then taken = 1 end
return {taken, string.format('%.0f', now), record}
"""
)

#: KEYS: a token. ARGV: who has it, milliseconds. Only its holder keeps it for longer.
RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""

#: KEYS: a token. ARGV: who has it. Only its holder gives it back.
LET_GO = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

#: KEYS: what was drawn of an account in one window. ARGV: limit, needed, what was drawn without asking (below zero: given
#: back), milliseconds until it is forgotten. Gives whether it was granted, and what is drawn by all.
DRAW = """
local drawn = tonumber(redis.call('GET', KEYS[1]) or '0') or 0
local limit, need = tonumber(ARGV[1]), tonumber(ARGV[2])
drawn = math.max(0, drawn + ARGV[3])
local granted = 0
if drawn + need <= limit then
  granted = 1
  drawn = drawn + need
end
redis.call('SET', KEYS[1], string.format('%.0f', drawn), 'PX', ARGV[4])
return {granted, string.format('%.0f', drawn)}
"""

#: KEYS: what was drawn of a limit, by steps of time. ARGV: limit, needed, milliseconds of a step, steps of the window, then
#: pairs of a step and what was drawn there without asking (below zero: given back). The window slides: what was drawn in a
#: step counts until the whole step has left it. Gives whether it was granted, what is drawn by all, and the milliseconds until
#: enough is free.
RATE = (
    _NOW
    + """
local limit, need, wide, steps = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local this = math.floor(now / wide)
for i = 5, #ARGV, 2 do
  if tonumber(ARGV[i]) >= this - steps then redis.call('HINCRBYFLOAT', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
local all, drawn, at = redis.call('HGETALL', KEYS[1]), 0, {}
for i = 1, #all, 2 do
  local step, amount = tonumber(all[i]), tonumber(all[i + 1])
  if step and amount then
    if step < this - steps then
      redis.call('HDEL', KEYS[1], all[i])
    else
      drawn = drawn + amount
      at[#at + 1] = {step, amount}
    end
  end
end
local granted, wait = 0, 0
if drawn + need <= limit then
  granted = 1
  if need > 0 then redis.call('HINCRBYFLOAT', KEYS[1], string.format('%.0f', this), need) end
  drawn = drawn + need
else
  table.sort(at, function(a, b) return a[1] < b[1] end)
  local free = limit - drawn
  wait = wide * steps
  for _, each in ipairs(at) do
    free = free + each[2]
    if free >= need then
      wait = (each[1] + steps + 1) * wide - now
      break
    end
  end
end
redis.call('PEXPIRE', KEYS[1], wide * (steps + 2))
return {granted, string.format('%.0f', drawn), string.format('%.0f', wait)}
"""
)
