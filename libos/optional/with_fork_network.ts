// What only an image with a network has whose app calls fork(): bound as those of kernel/optional/with_fork.ts and libos/optional/with_network.ts are, where
// both are. libos/net/family/ implements them.
import { TcpSocket } from "../net/tcp/socket";
import { UdpSocket } from "../net/udp/socket";
import { OpenFile } from "../process/open_file";

/** In the child of a fork: what of the network was the parent's alone. */
export declare function networkForked(): void;
/** The ports for connections and datagrams that name none. */
export declare function networkPorts(first: u32, count: u32): void;
/** Takes in a message of the family; false when it is none that concerns the network. Kernel work: must not block. */
export declare function networkMessage(type: u32, flags: u32, from: i32, payload: usize, length: u32): bool;
/** The mailbox has room again, for which somebody waits. */
export declare function networkRoom(): void;
/** The link is up. True in a process whose family has its addresses already: there is nothing to ask or to announce. */
export declare function networkFollows(now: u64): bool;
/** An address of ours has come or changed, or its lease. */
export declare function networkAddressesChanged(): void;
/** The process begins to accept connections on a listener, or stops: the family's network is to give it some, or no more. */
export declare function networkListens(s: TcpSocket, accepts: bool): void;
/** The application begins to wait for datagrams of anybody to `port`, which the socket is bound to, or the socket is closed. */
export declare function networkServes(socket: UdpSocket, port: u16, serves: bool): void;
/** Before a fork, and afterwards in the parent: others may hold its connections, too. */
export declare function networkShares(afterwards: bool): void;
/** The application wants to use a connection of state INHERITED: -EAGAIN until it can, or why it cannot. */
export declare function connectionClaim(s: TcpSocket): i32;
/** Closes a direction of such a connection as soon as it is ours: 0, -EAGAIN when the call must not wait, -EINTR, or why it cannot be. */
export declare function streamShutdownLater(file: OpenFile, how: i32): i32;
/** A segment for such a connection, its checksum verified, with receive flags. */
export declare function inheritedArrives(s: TcpSocket, segment: usize, length: u32, flags: u32): void;
/** The timer of such a connection has expired. */
export declare function inheritedExpired(s: TcpSocket, now: u64): void;
/** The last descriptor of a SHARED connection is closed. False: it ends as any other. */
export declare function connectionReleases(s: TcpSocket): bool;
/** Nobody has accepted the connection, and its listener is closed. False: it is to be reset. */
export declare function connectionOffers(child: TcpSocket): bool;
/** The last descriptor of a listener is closed, and others of a family may accept on its port: it goes on for a while. False: it ends. */
export declare function listenerLeaves(s: TcpSocket, now: u64): bool;
/** Whether connections wait for who is to have them. */
export declare function networkUnreleased(): bool;
/** Nobody has answered: they end. */
export declare function networkReleases(now: u64): void;
/** A connection has come into the table of connections. */
export declare function flowAdded(s: TcpSocket): void;
/** A connection has left it. */
export declare function flowRemoved(s: TcpSocket): void;
