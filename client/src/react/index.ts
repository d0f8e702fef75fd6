export type { Hooks, Messages, MessagesOptions, ProviderProps, RoomHandle } from "./api.ts";
export {
  createHooks,
  HoldfastProvider,
  useMembers,
  useMessages,
  useRequest,
  useRoom,
  useSignal,
  useStatus,
} from "./hooks.ts";
