// The arrows of ARCHITECTURE.md, as rules.
export default {
  forbidden: [
    {
      name: "no-cycles",
      comment: "A cycle has no order in which it can be understood.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "client-is-independent",
      comment: "The client runs in browsers and never imports the server.",
      severity: "error",
      from: { path: "^client/" },
      to: { path: "^(server|app|test)/" },
    },
    {
      name: "protocol-is-a-leaf",
      severity: "error",
      from: { path: "^client/src/protocol/" },
      to: { path: "^client/src/", pathNot: "^client/src/protocol/" },
    },
    {
      name: "server-knows-protocol-and-contract-alone",
      comment: "The test server is the exception: it connects clients for an application's tests.",
      severity: "error",
      from: { path: "^server/src/", pathNot: "^server/src/testing(/|\\.ts$)" },
      to: { path: "^(client|app|test)/", pathNot: "^client/src/(protocol/|contract\\.ts$)" },
    },
    {
      name: "doors-are-not-known-inside",
      comment: "Sockets and HTTP are two doors to the same requests; nothing inside knows a door.",
      severity: "error",
      from: { path: "^server/src/(requests|application|log|broadcast|redis|presence|auth|platforms|clock)/" },
      to: { path: "^server/src/(sockets|http)/" },
    },
    {
      name: "doors-do-not-know-each-other",
      severity: "error",
      from: { path: "^server/src/(sockets|http)/" },
      to: { path: "^server/src/(sockets|http)/", pathNot: "^server/src/$1/" },
    },
    {
      name: "the-log-knows-no-requests",
      comment: "Messages come down to the log; it does not know who asks.",
      severity: "error",
      from: { path: "^server/src/(log|broadcast|redis)/" },
      to: { path: "^server/src/(requests|application|presence|auth|platforms)/" },
    },
    {
      name: "redis-is-below-broadcast-and-log",
      comment: "The log stands on the broadcast, and both stand on the connections to Redis.",
      severity: "error",
      from: { path: "^server/src/redis/" },
      to: { path: "^server/src/(broadcast|log)/" },
    },
    {
      name: "the-broadcast-knows-no-log",
      severity: "error",
      from: { path: "^server/src/broadcast/" },
      to: { path: "^server/src/log/" },
    },
    {
      name: "only-the-edge-wires",
      comment: "create-server.ts picks the parts; start.ts runs it as a process; testing.ts runs it in a test.",
      severity: "error",
      from: { path: "^server/src/", pathNot: "^server/src/((start|index)\\.ts$|testing(/|\\.ts$))" },
      to: { path: "^server/src/((create-server|start|shutdown|publisher)\\.ts$|testing(/|\\.ts$))" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/(dist|node_modules|template)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      conditionNames: ["@holdfast/source", "import", "node", "default", "types"],
      exportsFields: ["exports"],
    },
  },
};
