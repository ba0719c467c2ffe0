<?php

// A webhook receiver of Partner Hub: verifies and prints what came.
//
//     HUB_WEBHOOK_SECRET=whsec_… php -S 127.0.0.1:9000 examples/receiver.php
//
// During a rotation give both secrets, separated by a space; a whpk_… verifies v1a, the asymmetric signature.
// Needs nothing but PHP 8; problem() is the part to take into your own code.

declare(strict_types=1);

const TOLERANCE_S = 300;

/**
 * Why a webhook must not be trusted; '' when one of $secrets signed it and it is fresh. $body is the raw bytes
 * received; header names are lower-case; secrets are the texts as shown.
 */
function problem(string $body, array $headers, array $secrets): string
{
    $at = $headers['webhook-timestamp'] ?? '';
    $message = ($headers['webhook-id'] ?? '') . ".$at.$body";
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $signature) {
        foreach ($secrets as $secret) {
            if (is_right($signature, $secret, $message)) {
                return abs(time() - (int) $at) > TOLERANCE_S ? 'the webhook is too old: it may be a replay' : '';
            }
        }
    }
    return 'webhook-signature is wrong';
}

function is_right(string $signature, string $secret, string $message): bool
{
    [$version, $given] = explode(',', "$signature,");
    if (str_starts_with($secret, 'whpk_')) {
        $given = (string) base64_decode($given, true);
        $key = base64_decode(substr($secret, 5));
        return $version === 'v1a' && strlen($given) === SODIUM_CRYPTO_SIGN_BYTES
            && sodium_crypto_sign_verify_detached($given, $message, $key);
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret));
    return $version === 'v1' && hash_equals(base64_encode(hash_hmac('sha256', $message, $key, true)), $given);
}

/** The other scheme, X-Partner-Signature: it covers the body alone, and so cannot tell a replay. */
function body_is_signed(string $body, array $headers, array $secrets): bool
{
    foreach ($secrets as $secret) {
        if (hash_equals(hash_hmac('sha256', $body, $secret), $headers['x-partner-signature'] ?? '')) {
            return true;
        }
    }
    return false;
}

if (PHP_SAPI === 'cli-server') {
    $body = (string) file_get_contents('php://input');
    $headers = array_change_key_case(getallheaders());
    $secrets = preg_split('/\s+/', (string) getenv('HUB_WEBHOOK_SECRET'), -1, PREG_SPLIT_NO_EMPTY);
    $wrong = problem($body, $headers, $secrets);
    http_response_code($wrong === '' ? 204 : 401);
    error_log($wrong === '' ? "✔ verified {$headers['webhook-id']} $body" : "✘ refused: $wrong");
}
