// A real provider of OpenID Connect, with people who need no password.
// node provider.mjs FOLDER_OF_NODE_MODULES SETTINGS
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, text] = process.argv.slice(2);
const told = JSON.parse(text);
const found = createRequire(`${folder}/provider.mjs`).resolve("oidc-provider");
const { default: Provider } = await import(pathToFileURL(found));

const provider = new Provider(told.issuer, {
  clients: [told.client],
  jwks: { keys: told.keys },
  cookies: { keys: ["of a test"] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  conformIdTokenClaims: told.apart,
  claims: {
    openid: ["sub"],
    profile: ["name", "preferred_username", "groups"],
    email: ["email", "email_verified"],
  },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ...told.people[id] }),
  }),
  // Nobody is asked whether this gateway may know them: it is their company's.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});
provider.listen(told.port, "127.0.0.1");
