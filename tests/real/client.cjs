// One call through the official openai SDK for Node, told to stdout as one JSON object:
// {text, usage: {prompt_tokens, completion_tokens}, headers}.
// Run as: node client.cjs BASE_URL API_KEY chat|stream|embeddings

const { OpenAI } = require("openai");

const [baseURL, apiKey, operation] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const model = "gpt-4o-mini";
const question = {
  model,
  messages: [{ role: "user", content: "Name a colour." }],
  max_tokens: 12,
  temperature: 0,
};

const operations = {
  async chat() {
    const { data, response } = await client.chat.completions.create(question).withResponse();
    return { text: data.choices[0].message.content, usage: data.usage, response };
  },

  async stream() {
    const options = { stream: true, stream_options: { include_usage: true } };
    const { data, response } = await client.chat.completions
      .create({ ...question, ...options })
      .withResponse();
    let text = "";
    let usage = null;
    for await (const chunk of data) {
      text += chunk.choices[0]?.delta?.content ?? "";
      usage = chunk.usage ?? usage;
    }
    return { text, usage, response };
  },

  async embeddings() {
    const { data, response } = await client.embeddings
      .create({ model, input: "blue" })
      .withResponse();
    const text = `${data.data[0].embedding.length} dimensions`;
    return { text, usage: data.usage, response };
  },
};

operations[operation]().then(({ text, usage, response }) => {
  const headers = Object.fromEntries(response.headers);
  console.log(JSON.stringify({ text, usage, headers }));
});
