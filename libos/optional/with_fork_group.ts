// What only an app has that forks and changes process groups (libos/process/groups.ts): with another the whole family is one group. Pointers are to Child.

/** Child `child` was forked just now. */
export declare function childJoins(child: usize): void;
/** Takes in what forkd tells of `child`: whether that was only of its process group. */
export declare function childGroupTold(child: usize, kind: u32, group: i32): bool;
/** Whether `child` does not belong to the process group of the caller. */
export declare function childIsOutside(child: usize): bool;
/** Whether `child` belongs to process group `group`. */
export declare function childIsOf(child: usize, group: i32): bool;
