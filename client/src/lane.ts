/** Publishes of one room in flight at a time: enough to fill a long round trip, few enough to send them again. */
const WINDOW = 64;

/** The order of one room's publishes, without any effect: which may be sent now, and from where to start again. */
export function createLane<Entry extends { readonly payload: { readonly id: string } }>() {
  /** What is not settled yet, in the order of the calls. The first `sent` of them were sent. */
  const entries: Entry[] = [];
  let sent = 0;
  let inFlight = 0;
  /** Something has to be sent again, and so all that comes after it. Nothing is sent until no request is in flight. */
  let isStalled = false;

  return {
    entries,

    isIdle: () => !inFlight,

    /**
     * Takes the next one to send. `after` is the unsettled one before it: the server stores this one only behind that
     * one, so that a publish which overtakes a lost one is refused instead of stored in the wrong order.
     */
    next() {
      const entry = entries[sent];
      if (!entry || isStalled || inFlight >= WINDOW) return;
      const after = entries[sent - 1]?.payload.id;
      sent++;
      inFlight++;
      return { entry, after };
    },

    /** A request is over; `again` when its entry has to be sent again. True when it is time to go back. */
    answered(again: boolean) {
      inFlight--;
      isStalled ||= again;
      return isStalled && !inFlight;
    },

    /** Takes out what is settled. False when it was out already. */
    remove(entry: Entry) {
      const index = entries.indexOf(entry);
      if (index < 0) return false;
      entries.splice(index, 1);
      if (index < sent) sent--;
      return true;
    },

    /** Go-back-N: sending starts again with the first one that is not settled, unless requests are in flight. */
    goBack() {
      if (inFlight) return;
      sent = 0;
      isStalled = false;
    },
  };
}
