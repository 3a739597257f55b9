// A web server of one page that counts its visitors.
import { perror } from "karyon";
import { Request, Response, serve, status, text } from "karyon/http";

let visitors = 0;

function answer(request: Request): Response {
  if (request.path != "/") return status(404);
  visitors += 1;
  return text(`Hello from TypeScript. You are visitor ${visitors}.\n`);
}

export function main(_args: string[]): i32 {
  console.log("listening on port 80");
  serve(80, answer);
  perror("cannot listen");
  return 1;
}
