// A certified OpenID provider, on this machine: services ask it for tokens, and people by way of their browsers.
import { readFileSync } from "node:fs"
import { Provider } from "oidc-provider"

const { port, jwks, redirect } = JSON.parse(readFileSync(process.argv[2], "utf8"))
const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks,
  clients: [
    {
      client_id: "machine",
      client_secret: "a secret of the machine",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    },
    {
      client_id: "web",
      client_secret: "a secret of the site",
      grant_types: ["authorization_code"],
      redirect_uris: [redirect],
      response_types: ["code"],
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => ({
        scope: "openid run",
        audience: resource,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
  extraTokenClaims: (_, token) => ({
    tenant_id: token.accountId ? `of-${token.accountId}` : "acme",
    roles: [token.accountId ? "viewer" : "developer"],
  }),
})
provider.listen(port, "127.0.0.1", () => console.log("ready"))
