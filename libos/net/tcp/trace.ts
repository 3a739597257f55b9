// The trace of a connection on the console: its states as they change, and where losses hold it up, with what had happened till then.
//   tcp: 10.0.2.100:80 10.0.2.2:51324 ESTABLISHED -> CLOSE_WAIT, out 4096 in 312 bytes, window 14480, 812 us, 0 sent again
// (our end, the peer's; bytes acknowledged by the peer and received in order; congestion window; smoothed round trip). The application asks
// for it with SO_DEBUG, of a listener for all its connections; the command line with tcp-trace=<port> for those with the port at either end.
// What has not come past its handshake is not traced: a flood of SYNs shall not become a flood of lines.
import { TextSpan, commandLineOption } from "../../../kernel/command_line";
import { LogLine, log } from "../../../kernel/log";
import { parseDecimal } from "../../../kernel/text";
import { logEnd } from "../ip/text";
import { TcpSocket } from "./socket";
import {
  CLOSED,
  CLOSE_WAIT,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LAST_ACK,
  LISTEN,
  SYN_RECEIVED,
  SYN_SENT,
  TIME_WAIT,
} from "./state";

const option = changetype<TextSpan>(memory.data(8, 4));
/** The port of tcp-trace=; 0 = none. */
let tracedPort: u16 = 0;

/** Reads the command line. */
export function traceInit(): void {
  tracedPort = 0;
  if (!commandLineOption("tcp-trace", option)) return;
  const port = parseDecimal(option.address, option.length);
  if (port > 0 && port < 65536) tracedPort = <u16>port;
  else log("tcp").text("tcp-trace=").bytes(option.address, option.length).text(" is not understood: a port").end();
}

/** The ends of `s` are known: decides whether the command line asks for its trace. */
export function traceBegin(s: TcpSocket): void {
  if (tracedPort != 0 && (s.localPort == tracedPort || s.remotePort == tracedPort)) s.traced = true;
}

/** Brings `s` into `state`. */
export function stateEnter(s: TcpSocket, state: u8): void {
  if (s.traced && s.state != state) traceState(s, state);
  s.state = state;
}

function traceState(s: TcpSocket, state: u8): void {
  const line = beginLine(s);
  appendName(line, s.state);
  appendName(line.text(" -> "), state);
  endLine(line, s);
}

/** The retransmission timer has expired, for the retransmissions-th time in a row. */
export function traceTimeout(s: TcpSocket): void {
  if (s.traced) endLine(beginLine(s).text("time-out ").decimal(s.retransmissions), s);
}

/** Fast recovery begins. */
export function traceRecovery(s: TcpSocket): void {
  if (s.traced)
    endLine(
      beginLine(s)
        .text("recovery of ")
        .decimal(s.sendMax - s.sendUnacknowledged)
        .text(" bytes"),
      s,
    );
}

function beginLine(s: TcpSocket): LogLine {
  const line = logEnd(log("tcp"), s.local, s.localPort).text(" ");
  return logEnd(line, s.remote, s.remotePort).text(" ");
}

function endLine(line: LogLine, s: TcpSocket): void {
  line.text(", out ").decimal(s.octetsAcknowledged).text(" in ").decimal(s.octetsReceived).text(" bytes, window ");
  line
    .decimal(s.congestionWindow)
    .text(", ")
    .decimal(s.smoothedRoundTrip / 1000)
    .text(" us, ");
  line.decimal(s.segmentsRetransmitted).text(" sent again").end();
}

function appendName(line: LogLine, state: u8): void {
  switch (state) {
    case CLOSED:
      line.text("CLOSED");
      break;
    case LISTEN:
      line.text("LISTEN");
      break;
    case SYN_SENT:
      line.text("SYN_SENT");
      break;
    case SYN_RECEIVED:
      line.text("SYN_RECEIVED");
      break;
    case ESTABLISHED:
      line.text("ESTABLISHED");
      break;
    case FIN_WAIT_1:
      line.text("FIN_WAIT_1");
      break;
    case FIN_WAIT_2:
      line.text("FIN_WAIT_2");
      break;
    case CLOSE_WAIT:
      line.text("CLOSE_WAIT");
      break;
    case CLOSING:
      line.text("CLOSING");
      break;
    case LAST_ACK:
      line.text("LAST_ACK");
      break;
    case TIME_WAIT:
      line.text("TIME_WAIT");
  }
}
