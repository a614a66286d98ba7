// A certified OAuth server for the tests: oidc-provider with client credentials
// and the resource parameter (RFC 8707). It listens on a free port of 127.0.0.1,
// prints its address as one line of JSON, and ends when its standard input does.
//
// GET /resource is the API behind it: 200 to a token for that very resource.

import { createServer } from "node:http";
import Provider, { errors } from "oidc-provider";

const resource = "https://api.example.com/contacts";
const scope = "contacts.read contacts.write";

// getResourceServerInfo knows one resource.
function getResourceServerInfo(_context, indicator) {
  if (indicator !== resource) throw new errors.InvalidTarget();
  return { scope, audience: resource, accessTokenFormat: "opaque", accessTokenTTL: 3600 };
}

const configuration = {
  clients: [{
    client_id: "contacts-app",
    client_secret: "oidc-secret-1a2b3c4d",
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
    scope,
  }],
  scopes: scope.split(" "),
  ttl: { ClientCredentials: 3600 },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: { enabled: true, getResourceServerInfo },
  },
};

// serveResource is the API.
async function serveResource(provider, request, response) {
  const [, value] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "") ?? [];
  const token = value && await provider.ClientCredentials.find(value);
  const good = token && token.isValid && token.aud === resource;
  response.writeHead(good ? 200 : 401, { "content-type": "application/json" });
  response.end(JSON.stringify(good ? { client: token.clientId, audience: token.aud, scope: token.scope } : {}));
}

process.stdin.on("end", () => process.exit()).resume();
const server = createServer().listen(0, "127.0.0.1", () => {
  const address = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(address, configuration);
  const oauth = provider.callback();
  server.on("request", (request, response) =>
    request.url === "/resource" ? serveResource(provider, request, response) : oauth(request, response));
  console.log(JSON.stringify({ address }));
});
