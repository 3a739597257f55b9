// The super-server: listens for all services of /etc/inetd.conf, and for each connection starts the service's program, which has the connection as
// standard input and output and knows nothing of networks. A program is a module of this image, a process a domain: so each connection has
// a domain of its own, made by fork in milliseconds.
import { ECHILD, POLLIN, PollSet, SIGCHLD, SIGTERM, errno, puts, strerror } from "karyon";
import { readTextFile } from "karyon/fs";
import { listen } from "karyon/net";
import { on, spawn, waitChild } from "karyon/process";
import { Service, readConfiguration } from "./service";

const CONFIGURATION = "/etc/inetd.conf";
const BACKLOG: i32 = 64;
/** Programs that run at a time: as many children as the manifest allows. Further connections wait in their listeners' queues. */
const MOST_CHILDREN: i32 = 16;
/** Longest wait in ms: a child may end just before the wait begins. */
const LONGEST_WAIT: i32 = 1000;

let children = 0;
let endWanted = false;

/** Takes the ends of children in. */
function reap(): void {
  for (let ended = waitChild(-1, false); ended !== null; ended = waitChild(-1, false)) {
    children -= 1;
    puts(`inetd: process ${ended.pid} ended: ${ended.toString()}`);
  }
  if (errno == ECHILD) children = 0;
}

/** Starts the program of a service for the client that waits, if one does. */
function serve(service: Service): void {
  const listener = service.listener;
  if (listener === null) return;
  const connection = listener.accept();
  if (connection === null) return;
  const pid = spawn(service.program, service.words, connection.fd, connection.fd);
  const error = errno;
  connection.close(); // it is the child's
  if (pid < 0) {
    puts(`inetd: ${service.program}: ${strerror(error)}`);
    return;
  }
  children += 1;
  puts(`inetd: ${service.program} for ${connection.toString()} is process ${pid}`);
}

export function main(words: string[]): i32 {
  const path = words.length == 0 ? CONFIGURATION : words[0];
  const text = readTextFile(path);
  if (text === null) {
    puts(`inetd: ${path}: ${strerror(errno)}`);
    return 1;
  }
  const configuration = readConfiguration(text);
  if (configuration.complaint.length != 0) {
    puts(`inetd: ${path}: ${configuration.complaint}`);
    return 1;
  }
  const services = configuration.services;
  const listeners = new PollSet();
  for (let i = 0; i < services.length; i++) {
    const listener = listen(services[i].port, BACKLOG);
    if (listener === null) {
      puts(`inetd: port ${services[i].port}: ${strerror(errno)}`);
      return 1;
    }
    listener.setNonBlocking();
    services[i].listener = listener;
    listeners.add(listener.fd, POLLIN);
  }
  on(SIGCHLD, (_: i32) => {}); // it only ends the wait
  on(SIGTERM, (_: i32) => {
    endWanted = true;
  });
  puts(`inetd: ${services.length} services`);
  const nothing = new PollSet();
  while (!endWanted) {
    reap();
    const isFull = children >= MOST_CHILDREN;
    if ((isFull ? nothing : listeners).wait(LONGEST_WAIT) <= 0 || isFull) continue;
    for (let i = 0; i < services.length && children < MOST_CHILDREN; i++) {
      if (listeners.at(i).revents != 0) serve(services[i]);
    }
  }
  return 0;
}
