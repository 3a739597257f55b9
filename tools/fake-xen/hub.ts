// An Ethernet segment that joins fakes and peers in JavaScript, and treats their frames as badly as it is told to.
import { seededRandom, type World } from "./world.ts";

/** A frame and what its sender says of it (the checksum and segmentation state of a virtual link). */
export interface Frame {
  readonly bytes: Uint8Array;
  /** The transport checksum is the pseudo-header's only. */
  readonly checksumBlank: boolean;
  /** TCP payload bytes of each segment that the frame stands for; 0 = it is one. */
  readonly gsoSize: number;
}

/** A place on the hub. */
export interface Station {
  receive(frame: Frame): void;
}

/** How the hub treats frames: probabilities from 0 to 1, times in ns. */
export interface Weather {
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  readonly delay: number;
  readonly jitter: number;
}

export const FAIR: Weather = { loss: 0, duplication: 0, reordering: 0, delay: 50_000, jitter: 0 };
/** Frames that are remembered. */
const CAPTURE_LIMIT = 200_000;
/** What a reordered frame waits on top of the delay. */
const REORDER_DELAY = 3_000_000;

export class Hub {
  private readonly stations = new Set<Station>();
  private readonly random: () => number;
  weather: Weather = FAIR;
  /** Frames that the weather took. */
  lost = 0;
  /** What was sent, in order, for a capture file. */
  readonly capture: { readonly time: bigint; readonly data: Uint8Array }[] = [];

  constructor(
    private readonly world: World,
    seed: number,
  ) {
    this.random = seededRandom(seed);
  }

  join(station: Station): void {
    this.stations.add(station);
  }

  leave(station: Station): void {
    this.stations.delete(station);
  }

  /** Sends `frame` from one station to all others. */
  send(from: Station, frame: Frame): void {
    if (this.capture.length < CAPTURE_LIMIT) {
      this.capture.push({ time: BigInt(Math.round(this.world.now)), data: frame.bytes });
    }
    const { loss, duplication, reordering, delay, jitter } = this.weather;
    for (const station of this.stations) {
      if (station === from) continue;
      if (this.random() < loss) {
        this.lost += 1;
        continue;
      }
      const copies = this.random() < duplication ? 2 : 1;
      for (let i = 0; i < copies; i++) {
        const late = this.random() < reordering ? REORDER_DELAY : 0;
        this.world.after(delay + late + this.random() * jitter, () => {
          if (this.stations.has(station)) station.receive(frame);
        });
      }
    }
  }
}
