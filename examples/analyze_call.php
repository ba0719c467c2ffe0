<?php
/** Send a recorded call in, follow its analysis, print what was found.
 *
 *    HUB_URL=https://hub.example HUB_KEY=pk_….sk_… HUB_COMPANY_ID=… php examples/analyze_call.php call.wav
 *
 *  Needs nothing but PHP 8. With HUB_WEBHOOK_URL the result is posted there as well: examples/receiver.php
 *  verifies it. */

const ENDED = ['completed', 'failed', 'canceled'];

/** One request. What is over a limit (429) or down for a moment (503) is asked again when it says. */
function call(string $method, string $path, ?array $body = null, array $headers = []): array
{
    $url = rtrim(getenv('HUB_URL'), '/') . '/api/partner/v1' . $path;
    $headers[] = 'x-partner-api-key: ' . getenv('HUB_KEY');
    $headers[] = 'Content-Type: application/json';
    $options = ['method' => $method, 'header' => $headers, 'ignore_errors' => true, 'timeout' => 120];
    if ($body !== null) {
        $options['content'] = json_encode($body);
    }
    while (true) {
        $answer = file_get_contents($url, false, stream_context_create(['http' => $options]));
        if ($answer === false) {
            fail('The hub does not answer.');
        }
        $status = (int) explode(' ', $http_response_header[0])[1];
        if ($status < 300) {
            return json_decode($answer, true);
        }
        if ($status !== 429 && $status !== 503) {
            fail("$status $answer");
        }
        sleep(max(1, (int) (preg_filter('/^Retry-After: */i', '', $http_response_header)[0] ?? 1)));
    }
}

function fail(string $why): never
{
    fwrite(STDERR, "$why\n");
    exit(1);
}

$body = [
    'audio_file' => base64_encode(file_get_contents($argv[1])),
    'company_id' => getenv('HUB_COMPANY_ID'),
    'call_type' => 'support',
    'webhook_url' => getenv('HUB_WEBHOOK_URL') ?: '',
];
// the same recording sent twice is one job
$key = hash('sha256', json_encode($body));
$job = call('POST', '/calls/analyze', $body, ["Idempotency-Key: $key"]);
echo "{$job['job_id']}: {$job['message']}, about {$job['estimated_time']}\n";

while (!in_array(($status = call('GET', "/jobs/{$job['job_id']}/status"))['status'], ENDED, true)) {
    sleep(1);
}
if ($status['status'] !== 'completed') {
    fail($status['status'] . ': ' . json_encode($status['error']));
}
echo "score: {$status['results']['overall_score']}\n";
foreach ($status['results']['transcript']['segments'] as $turn) {
    printf("%7.1f s  %s: %s\n", $turn['start'], $turn['role'], $turn['text']);
}
