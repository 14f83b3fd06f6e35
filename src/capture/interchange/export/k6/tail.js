
const target = (__ENV.TARGET || '').replace(/\/+$/, '');
const speed = Number(__ENV.SPEED || 1);
const timeout = Number(__ENV.TIMEOUT || 600);
const wanted = Number(__ENV.VUS || Math.max(50, 2 * peak));
const lasts = requests.length > 0 ? requests[requests.length - 1].at / speed : 0;
// Time for all VUs to start before the first request is due.
const lead = 1;

if (!target) {
  throw new Error('TARGET is not set: TARGET=http://127.0.0.1:8080 k6 run FILE');
}

export const options = {
  scenarios: {
    replay: {
      executor: 'shared-iterations',
      iterations: Math.max(1, requests.length),
      vus: Math.max(1, Math.min(wanted, requests.length)),
      maxDuration: `${Math.ceil(lead + lasts + timeout)}s`,
      gracefulStop: '0s',
    },
  },
  summaryTrendStats: ['avg', 'min', 'med', 'p(95)', 'p(99)', 'max'],
  thresholds: { send_lag: ['p(99)<10'] },
};

const sendLag = new Trend('send_lag', true);
const completionTokens = new Counter('completion_tokens');
const streamsComplete = new Rate('streams_complete');

export default function () {
  const request = requests[exec.scenario.iterationInTest];
  if (!request) {
    return;
  }
  const due = exec.scenario.startTime + (lead + request.at / speed) * 1000;
  const wait = due - Date.now();
  if (wait > 0) {
    sleep(wait / 1000);
  }
  sendLag.add(Math.max(0, Date.now() - due));
  const response = http.request(request.method, target + request.path, body(request), {
    headers: headers(request),
    responseType: 'text',
    tags: { name: request.path.split('?')[0] },
    timeout: `${timeout}s`,
  });
  check(response, { 'status is below 400': (r) => r.status > 0 && r.status < 400 });
  look(response);
}

function body(request) {
  if (request.base64 !== undefined) {
    return b64decode(request.base64);
  }
  if (!__ENV.MODEL || request.body === undefined) {
    return request.body === undefined ? null : request.body;
  }
  const changed = parsed(request.body);
  if (changed === null || changed.model === undefined) {
    return request.body;
  }
  return JSON.stringify(Object.assign(changed, { model: __ENV.MODEL }));
}

function headers(request) {
  const key = __ENV.API_KEY ? { authorization: `Bearer ${__ENV.API_KEY}` } : {};
  return Object.assign({}, request.headers, key);
}

// What an answer says about itself.
function look(response) {
  const text = response.body || '';
  const type = String(response.headers['Content-Type'] || '');
  if (!type.startsWith('text/event-stream')) {
    count(parsed(text));
    return;
  }
  const events = text.split('\n').filter((line) => line.startsWith('data:'));
  const data = events.map((line) => line.slice(5).trim());
  streamsComplete.add(data[data.length - 1] === '[DONE]' && !data.some((d) => d.startsWith('{"error"')));
  // Usage comes with the last events, if at all.
  data.slice(-3).forEach((event) => count(parsed(event)));
}

function count(answer) {
  if (answer !== null && answer.usage && answer.usage.completion_tokens) {
    completionTokens.add(answer.usage.completion_tokens);
  }
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch (_) {
    return null;
  }
}
