// What only an image has with several programs, or whose app asks how it was started (tools/image/hooks.ts), as with_pipe.ts has it for pipe().
// libos/process/start_data.ts implements it.

/** The StartTexts of name and arguments that execve brought; their address is 0 when it was not called. 0 in other images. */
export declare function startDataArguments(): usize;
/** Likewise of the environment. */
export declare function startDataEnvironment(): usize;
