// Captured requests, sent again at the instants at which they came.
//
//   TARGET=http://127.0.0.1:8080 API_KEY=… k6 run FILE
//
//   TARGET   where to: scheme, host and whatever comes before the path (required)
//   API_KEY  sent as `authorization: Bearer …`
//   SPEED    2 is twice as fast as recorded
//   MODEL    asked for instead of the recorded models
//   VUS      requests that may be under way at a time
//   TIMEOUT  seconds that an answer may take
//
// The model is an open one: a request is sent at its instant, whether those before it are
// answered or not, as long as there are VUs. `send_lag` says how late requests were, in
// milliseconds; when its threshold fails, the figures say more about this machine than about
// the target.
//
// k6 reads an answer to its end before it hands it over. Of a stream it therefore knows when
// the first byte came (`http_req_waiting`), when the last one did (`http_req_duration`) and
// what was in it, and nothing of the times between.

import exec from 'k6/execution';
import http from 'k6/http';
import { check, sleep } from 'k6';
import { b64decode } from 'k6/encoding';
import { Counter, Rate, Trend } from 'k6/metrics';
import { SharedArray } from 'k6/data';

// `at` is in seconds since the first request.
const requests = new SharedArray('requests', () => {
  const all = [
