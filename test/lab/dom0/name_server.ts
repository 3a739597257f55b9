// A DNS server in dom0, for the zone "lab.example" (UDP and TCP, port 53): www has two addresses and one of IPv6, alias is another name of it,
// long is truncated over UDP, lost gets no answer, and the rest is not there. Prints each query as "udp www.lab.example".
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { AAAA, NXDOMAIN, a, cname, parseQuery, record, response, soa, type Query } from "../../unit/dns/message.ts";

const ZONE = "lab.example";
const PORT = 53;
const LONG = 60;
const LONG_ADDRESS = Buffer.from("20010db8000000000000000000000080", "hex");

function answer(query: Query, isStream: boolean): Buffer | null {
  const { name } = query;
  const addresses = (owner: string): Buffer[] => [a(owner, "192.0.2.80"), a(owner, "192.0.2.81")];
  switch (name.toLowerCase()) {
    case `www.${ZONE}`:
      if (query.type === AAAA) return response(query, { answers: [record({ name, type: AAAA, data: LONG_ADDRESS })] });
      return response(query, { answers: addresses(name) });
    case `alias.${ZONE}`:
      return response(query, { answers: [cname(name, `www.${ZONE}`), ...addresses(`www.${ZONE}`)] });
    case `long.${ZONE}`:
      if (!isStream) return response(query, { truncated: true });
      return response(query, { answers: Array.from({ length: LONG }, (_, i) => a(name, `192.0.2.${i + 1}`)) });
    case `lost.${ZONE}`:
      return null;
    default:
      return response(query, { code: NXDOMAIN, authority: [soa(ZONE, 60)] });
  }
}

function respond(message: Buffer, transport: "udp" | "tcp"): Buffer | null {
  const query = parseQuery(message);
  process.stdout.write(`${transport} ${query.name.toLowerCase()}\n`);
  return answer(query, transport === "tcp");
}

const datagrams = createSocket("udp4", (message, peer) => {
  const bytes = respond(message, "udp");
  if (bytes !== null) datagrams.send(bytes, peer.port, peer.address);
});
const streams = createServer((connection) => {
  connection.on("error", () => connection.destroy());
  connection.once("data", (data) => {
    const bytes = respond(data.subarray(2), "tcp");
    if (bytes === null) return;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    connection.end(Buffer.concat([length, bytes]));
  });
});

datagrams.bind(PORT, () => streams.listen(PORT, () => process.stdout.write("name server: ready\n")));
