// A certified OpenID Provider in the shape of Auth0, for the journeys in tests/e2e/test_oidc.py. In memory, on this machine alone.
// OP_PORT, OP_CLINIC (the clinic's address), OP_CLIENT_ID, OP_CLIENT_SECRET, OP_ROLES_CLAIM. POST /people replaces who there is.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';

const { OP_PORT, OP_CLINIC, OP_CLIENT_ID, OP_CLIENT_SECRET, OP_ROLES_CLAIM } = process.env;
const ISSUER = `http://127.0.0.1:${OP_PORT}/`; // Auth0's issuers end in a slash, too
let people = {};

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomBytes(8).toString('hex') };

const provider = new Provider(ISSUER, {
  clients: [{
    client_id: OP_CLIENT_ID,
    client_secret: OP_CLIENT_SECRET,
    redirect_uris: [`${OP_CLINIC}/auth/oidc/callback`],
    post_logout_redirect_uris: [`${OP_CLINIC}/auth/oidc/logout`],
    backchannel_logout_uri: `${OP_CLINIC}/auth/oidc/backchannel`,
    backchannel_logout_session_required: true,
    response_types: ['code'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'client_secret_post',
  }],
  jwks: { keys: [key] },
  routes: { authorization: '/authorize', token: '/oauth/token', userinfo: '/userinfo', jwks: '/.well-known/jwks.json', end_session: '/oidc/logout' },
  // Its guard against calls into one's own network would keep it from telling a clinic on this machine.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  pkce: { required: () => true },
  // Auth0 puts what the scopes ask for into the ID token.
  conformIdTokenClaims: false,
  claims: { openid: ['sub', OP_ROLES_CLAIM], email: ['email', 'email_verified'], profile: ['name'] },
  scopes: ['openid', 'profile', 'email'],
  findAccount: (_, sub) => people[sub] && {
    accountId: sub,
    claims: () => { const { password, ...told } = people[sub]; return { sub, ...told }; },
  },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  ttl: { Session: 3600, Interaction: 600, Grant: 3600, IdToken: 3600, AccessToken: 600, AuthorizationCode: 60 },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      // Auth0 does not ask whether one really wants to; a person who is asked here presses the button.
      logoutSource: (ctx, form) => {
        ctx.body = `<!doctype html><body>${form.replace('</form>', '<button name="logout" value="yes">Sign out here</button></form>')}`
          + (ctx.oidc.params.id_token_hint ? '<script>document.querySelector("button").click()</script>' : '');
      },
      // Its own page would ask another host for letters.
      postLogoutSuccessSource: (ctx) => { ctx.body = '<!doctype html><p>Signed out</p>'; },
    },
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  // A client of one's own: nobody is asked whether it may know the name.
  loadExistingGrant: async (ctx) => {
    const { client, session, result, provider: op } = ctx.oidc;
    const known = result?.consent?.grantId ?? session.grantIdFor(client.clientId);
    if (known) return op.Grant.find(known);
    const grant = new op.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid profile email');
    grant.addOIDCClaims([OP_ROLES_CLAIM]);
    await grant.save();
    return grant;
  },
});
for (const kind of ['server_error', 'authorization.error', 'grant.error', 'end_session.error', 'backchannel.error']) {
  provider.on(kind, (_, error) => console.error(kind, error?.message, error?.error_description ?? ''));
}

const read = (request) => new Promise((done) => {
  let text = '';
  request.on('data', (part) => { text += part; });
  request.on('end', () => done(text));
});

const page = (problem) => `<!doctype html><html lang="en"><title>Clinic ID</title><main><h1>Clinic ID</h1>${problem}<form method="post">
<label>User <input name="user"></label> <label>Secret <input name="secret" type="password"></label>
<button name="go" value="1">Continue</button> <button name="cancel" value="1">Cancel</button></form></main></html>`;

async function interaction(request, response) {
  await provider.interactionDetails(request, response);
  let problem = '';
  if (request.method === 'POST') {
    const form = new URLSearchParams(await read(request));
    if (form.get('cancel')) return provider.interactionFinished(request, response, { error: 'access_denied' });
    const sub = Object.keys(people).find((each) => each === form.get('user') && people[each].password === form.get('secret'));
    if (sub) return provider.interactionFinished(request, response, { login: { accountId: sub } });
    problem = '<p role="alert">Wrong user or secret</p>';
  }
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  return response.end(page(problem));
}

const usual = provider.callback();
createServer(async (request, response) => {
  try {
    if (request.url === '/people' && request.method === 'POST') {
      people = JSON.parse(await read(request));
      return response.writeHead(204).end();
    }
    if (request.url === '/favicon.ico') return response.writeHead(204).end();
    return await (request.url.startsWith('/interaction/') ? interaction(request, response) : usual(request, response));
  } catch (error) {
    console.error(error);
    return response.writeHead(500).end();
  }
}).listen(Number(OP_PORT), '127.0.0.1', () => console.error(`ready at ${ISSUER}`));
