-- Postbacks of new conversions from BENCH_CODES' links, every tenth of them the one before once more. Writes how
-- many were answered with which result, and the run's figures, as JSON to the file BENCH_RESULT.
local threads, started = {}, 0

function setup(thread)
  thread:set("first", started)
  started = started + 1
  table.insert(threads, thread)
end

function init()
  codes, sent, recorded, duplicate, other, last = {}, 0, 0, 0, 0, nil
  for code in os.getenv("BENCH_CODES"):gmatch("[^,]+") do codes[#codes + 1] = code end
  path, run = os.getenv("BENCH_PATH"), os.getenv("BENCH_RUN")
end

function request()
  sent = sent + 1
  if last and sent % 10 == 0 then return last end
  last = wrk.format("GET", string.format("%s&txn_id=%s-%d-%d&click_id=%s.x",
    path, run, first, sent, codes[1 + (sent * 2 + first) % #codes]))
  return last
end

function response(status, headers, body)
  if body:find('"recorded"', 1, true) then recorded = recorded + 1
  elseif body:find('"duplicate"', 1, true) then duplicate = duplicate + 1
  else other = other + 1 end
end

function done(summary, latency)
  local total = {recorded = 0, duplicate = 0, other = 0}
  for _, thread in ipairs(threads) do
    for name in pairs(total) do total[name] = total[name] + thread:get(name) end
  end
  local errors = summary.errors
  local file = io.open(os.getenv("BENCH_RESULT"), "w")
  file:write(string.format(
    '{"requests": %d, "seconds": %.6f, "recorded": %d, "duplicate": %d, "other": %d, "broken": %d,' ..
    ' "p50_us": %d, "p99_us": %d}',
    summary.requests, summary.duration / 1e6, total.recorded, total.duplicate, total.other,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
  file:close()
end
