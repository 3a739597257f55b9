// Reads a field of an object that is not there.
@unmanaged
class Box {
  first: u32;
  value: u32;
}

const steps: ((box: Box) => u32)[] = [readBox];

function readBox(box: Box): u32 {
  return box.value;
}

export function main(args: string[]): i32 {
  return <i32>steps[args.length](changetype<Box>(args.length));
}
