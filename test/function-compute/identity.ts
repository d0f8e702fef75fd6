/** Stand-ins for the temporary credentials that the platform sends with every request. */
export const dummyCredentials = {
  "x-fc-access-key-id": "STS.emulator-access-key-id",
  "x-fc-access-key-secret": "emulator-access-key-secret",
  "x-fc-security-token": "emulator-security-token",
} as const;

export const accountId = "1234567890123456";
export const qualifier = "LATEST";
