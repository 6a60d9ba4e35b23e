// A Medusa for tests: no admin pages, no Redis, and secrets that are made for each start.
const { defineConfig } = require("@medusajs/framework/utils");

const origin = process.env.SHOP_URL;

module.exports = defineConfig({
  admin: { disable: true },
  projectConfig: {
    databaseUrl: process.env.SHOP_DATABASE_URL,
    databaseDriverOptions: { connection: { ssl: false } },
    http: {
      storeCors: origin,
      adminCors: origin,
      authCors: origin,
      jwtSecret: process.env.SHOP_SECRET,
      cookieSecret: process.env.SHOP_SECRET,
    },
  },
});
