-- Takes turns among prepared requests, one for each key in the file BENCH_HEADERS, and writes the
-- figures of the run as JSON to the file BENCH_RESULT. Posts the content of the file BENCH_BODY, if there is one.
local requests, turn, started = {}, 0, 0

function setup(thread)
  thread:set("first", started)
  started = started + 1
end

function init()
  local body = io.open(os.getenv("BENCH_BODY"), "r"):read("*a")
  local method = #body > 0 and "POST" or "GET"
  for line in io.lines(os.getenv("BENCH_HEADERS")) do
    local headers = {}
    local name, value = line:match("^(.-): (.+)$")
    if name then headers[name] = value end
    requests[#requests + 1] = wrk.format(method, nil, headers, #body > 0 and body or nil)
  end
  turn = math.floor(first * #requests / 2)
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  local file = io.open(os.getenv("BENCH_RESULT"), "w")
  file:write(string.format(
    '{"requests": %d, "seconds": %.6f, "refused": %d, "broken": %d, "p50_us": %d, "p99_us": %d, "mean_us": %.1f}',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.mean))
  file:close()
end
