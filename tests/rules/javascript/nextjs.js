const helmet = require("helmet");

// ruleid: fixby.javascript.nextjs-public-secret
const stripe = createStripe(process.env.NEXT_PUBLIC_STRIPE_SECRET_KEY);
// ruleid: fixby.javascript.nextjs-public-secret
const ai = createClient({ key: process.env.NEXT_PUBLIC_OPENAI_API_KEY });
// ok: fixby.javascript.nextjs-public-secret
const serverStripe = createStripe(process.env.STRIPE_SECRET_KEY);
// ok: fixby.javascript.nextjs-public-secret
const browserStripe = loadStripe(process.env.NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY);
// ok: fixby.javascript.nextjs-public-secret
const supabase = createClient(process.env.NEXT_PUBLIC_SUPABASE_URL, process.env.NEXT_PUBLIC_SUPABASE_ANON_KEY);

const nextConfig = {
  reactStrictMode: true,
  env: {
    // ok: fixby.javascript.nextjs-config-exposes-secret
    SITE_NAME: process.env.SITE_NAME,
    // ruleid: fixby.javascript.nextjs-config-exposes-secret
    DATABASE_URL: process.env.DATABASE_URL,
    // ruleid: fixby.javascript.nextjs-config-exposes-secret
    mailKey: process.env.MAIL_API_KEY,
    // ok: fixby.javascript.nextjs-config-exposes-secret
    mapKey: process.env.NEXT_PUBLIC_MAP_API_KEY,
  },
  images: {
    remotePatterns: [
      // ruleid: fixby.javascript.nextjs-image-any-host
      { protocol: "https", hostname: "**" },
      // ok: fixby.javascript.nextjs-image-any-host
      { protocol: "https", hostname: "images.example" },
      // ok: fixby.javascript.nextjs-image-any-host
      { protocol: "https", hostname: "**.example.org" },
    ],
  },
};

module.exports = {
  images: {
    // ruleid: fixby.javascript.nextjs-image-any-host
    remotePatterns: [{ hostname: "*" }],
  },
};

// A server, where the same names are harmless.
startServer({
  settings: {
    // ok: fixby.javascript.nextjs-config-exposes-secret
    DATABASE_URL: process.env.DATABASE_URL,
  },
});

export async function getServerSideProps(context) {
  const key = process.env.MAIL_API_KEY;
  const mails = await fetchMails(key);
  return {
    props: {
      // ok: fixby.javascript.nextjs-props-expose-secret
      mails,
      // ruleid: fixby.javascript.nextjs-props-expose-secret
      key,
      // ok: fixby.javascript.nextjs-props-expose-secret
      configured: Boolean(process.env.MAIL_API_KEY),
    },
  };
}

export const getStaticProps = async () => {
  return {
    props: {
      // ruleid: fixby.javascript.nextjs-props-expose-secret
      connection: process.env.DATABASE_URL,
      // ok: fixby.javascript.nextjs-props-expose-secret
      site: process.env.NEXT_PUBLIC_SITE,
    },
  };
};

// ruleid: fixby.javascript.helmet-csp-disabled
app.use(helmet({ contentSecurityPolicy: false }));
// ruleid: fixby.javascript.helmet-csp-disabled
server.register(fastifyHelmet, { global: true, contentSecurityPolicy: false });
// ok: fixby.javascript.helmet-csp-disabled
app.use(helmet());
// ok: fixby.javascript.helmet-csp-disabled
app.use(helmet({ contentSecurityPolicy: { directives: { defaultSrc: ["'self'"] } } }));
