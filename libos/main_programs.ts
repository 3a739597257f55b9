// What the kernel of an image has besides that has several programs, or whose app asks how it was started or has functions called at its
// exit. Others do without even the room that functions take which are called from two places.
export {
  posix_atexit,
  posix_environment_set,
  posix_execveat,
  posix_program_name,
  programs_arguments_get,
  programs_arguments_size,
  programs_environment_get,
  programs_environment_size,
  programs_memory_grow,
} from "./posix/exec";
export { execThreadEnds } from "./process/exec";
export { exitHandlerTake } from "./process/exit_handlers";
export { startDataArguments, startDataEnvironment } from "./process/start_data";
