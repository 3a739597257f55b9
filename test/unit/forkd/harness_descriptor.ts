// Where the guest has the fields of the fork descriptor, for a test that forkd has them at the same places. Nothing here
// makes a descriptor: the page's address is 0, and so addresses are offsets.
import {
  EVENT_ADOPTED,
  EVENT_CONTINUED,
  EVENT_DOORBELL,
  EVENT_EXIT,
  EVENT_GONE,
  EVENT_GROUP,
  EVENT_QUEUED,
  EVENT_SIGNAL,
  EVENT_STOPPED,
  FAMILY_EVENTS,
  FORK_PENDING,
  FORK_VERSION,
  FamilyEvent,
  ForkDescriptor,
  REQUEST_DOORBELL,
  REQUEST_GROUP_OF,
  REQUEST_JOIN,
  REQUEST_KILL,
  REQUEST_QUEUE,
  REQUEST_SESSION,
  REQUEST_SESSION_OF,
  STAGES,
  WAY_COPY,
  WAY_POOL,
  WAY_SHARE,
  eventEntry,
  stageTimes,
} from "../../../kernel/fork/descriptor";

export {
  EVENT_ADOPTED,
  EVENT_CONTINUED,
  EVENT_DOORBELL,
  EVENT_EXIT,
  EVENT_GONE,
  EVENT_GROUP,
  EVENT_QUEUED,
  EVENT_SIGNAL,
  EVENT_STOPPED,
  FAMILY_EVENTS,
  FORK_PENDING,
  FORK_VERSION,
  REQUEST_DOORBELL,
  REQUEST_GROUP_OF,
  REQUEST_JOIN,
  REQUEST_KILL,
  REQUEST_QUEUE,
  REQUEST_SESSION,
  REQUEST_SESSION_OF,
  STAGES,
  WAY_COPY,
  WAY_POOL,
  WAY_SHARE,
};

export const magic: usize = offsetof<ForkDescriptor>("magic");
export const version: usize = offsetof<ForkDescriptor>("version");
export const result: usize = offsetof<ForkDescriptor>("result");
export const stackPointer: usize = offsetof<ForkDescriptor>("stackPointer");
export const childEntry: usize = offsetof<ForkDescriptor>("childEntry");
export const p2mList: usize = offsetof<ForkDescriptor>("p2mList");
export const pageCount: usize = offsetof<ForkDescriptor>("pageCount");
export const startInfoPfn: usize = offsetof<ForkDescriptor>("startInfoPfn");
export const consolePfn: usize = offsetof<ForkDescriptor>("consolePfn");
export const storePfn: usize = offsetof<ForkDescriptor>("storePfn");
export const address: usize = offsetof<ForkDescriptor>("address");
export const ready: usize = offsetof<ForkDescriptor>("ready");
export const pid: usize = offsetof<ForkDescriptor>("pid");
export const parentPid: usize = offsetof<ForkDescriptor>("parentPid");
export const exitStatus: usize = offsetof<ForkDescriptor>("exitStatus");
export const eventProducer: usize = offsetof<ForkDescriptor>("eventProducer");
export const eventConsumer: usize = offsetof<ForkDescriptor>("eventConsumer");
export const sharers: usize = offsetof<ForkDescriptor>("sharers");
export const way: usize = offsetof<ForkDescriptor>("way");
export const layout: usize = offsetof<ForkDescriptor>("layout");
export const changeProducer: usize = offsetof<ForkDescriptor>("changeProducer");
export const changeLog: usize = offsetof<ForkDescriptor>("changeLog");
export const changeLogSize: usize = offsetof<ForkDescriptor>("changeLogSize");
export const kernelEndPfn: usize = offsetof<ForkDescriptor>("kernelEndPfn");
export const constantFirstPage: usize = offsetof<ForkDescriptor>("constantFirstPage");
export const constantEndPage: usize = offsetof<ForkDescriptor>("constantEndPage");
export const appFirstPage: usize = offsetof<ForkDescriptor>("appFirstPage");
export const lastChild: usize = offsetof<ForkDescriptor>("lastChild");
export const pageStates: usize = offsetof<ForkDescriptor>("pageStates");
export const requestOperation: usize = offsetof<ForkDescriptor>("requestOperation");
export const requestPid: usize = offsetof<ForkDescriptor>("requestPid");
export const requestValue: usize = offsetof<ForkDescriptor>("requestValue");
export const requestResult: usize = offsetof<ForkDescriptor>("requestResult");
export const networkAddress: usize = offsetof<ForkDescriptor>("networkAddress");
export const mailbox: usize = offsetof<ForkDescriptor>("mailbox");
export const sharedFirstPage: usize = offsetof<ForkDescriptor>("sharedFirstPage");
export const sharedEndPage: usize = offsetof<ForkDescriptor>("sharedEndPage");
export const domain: usize = offsetof<ForkDescriptor>("domain");
export const childWay: usize = offsetof<ForkDescriptor>("childWay");
export const locked: usize = offsetof<ForkDescriptor>("locked");
export const shellAnswer: usize = offsetof<ForkDescriptor>("shellAnswer");
export const shells: usize = offsetof<ForkDescriptor>("shells");
export const shellLayout: usize = offsetof<ForkDescriptor>("shellLayout");
export const shellChanges: usize = offsetof<ForkDescriptor>("shellChanges");
export const group: usize = offsetof<ForkDescriptor>("group");
export const session: usize = offsetof<ForkDescriptor>("session");
export const requestData: usize = offsetof<ForkDescriptor>("requestData");
export const firstPort: usize = offsetof<ForkDescriptor>("firstPort");

export const eventKind: usize = offsetof<FamilyEvent>("kind");
export const eventPid: usize = offsetof<FamilyEvent>("pid");
export const eventValue: usize = offsetof<FamilyEvent>("value");
export const eventData: usize = offsetof<FamilyEvent>("data");
export const eventCpuTime: usize = offsetof<FamilyEvent>("cpuTime");
export const eventFrames: usize = offsetof<FamilyEvent>("frames");

/** Where entry `index` of the ring of events stands. */
export function eventAt(index: u32): usize {
  return changetype<usize>(eventEntry(index));
}

/** Where stage time `index` stands. */
export function stageAt(index: u32): usize {
  return stageTimes() + ((<usize>index) << 3);
}
