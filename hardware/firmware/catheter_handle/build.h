/* Which handle is built. Change HANDLE_BUILD here, or give -DHANDLE_BUILD=n to the compiler. */
#ifndef HANDLE_BUILD_H
#define HANDLE_BUILD_H

#define TEN_MINUTES 1 /* two rotary encoders and a button */
#define BOX 2         /* two channels of rods that slide and roll, four buttons */
#define TABLE 3       /* three channels (encoders slide, magnets roll), syringe, joystick, pedals, brake */
#define MOUSE 4       /* one channel read by an optical mouse sensor */

#ifndef HANDLE_BUILD
#define HANDLE_BUILD TEN_MINUTES
#endif

/* What a count means before you calibrate. `handle calibrate` measures it better than you can compute it. */
#if HANDLE_BUILD == TEN_MINUTES
#define COUNTS_PER_100MM 100  /* the slide is a knob: 80 counts a turn stand for 80 mm */
#define COUNTS_PER_TURN 80
#elif HANDLE_BUILD == MOUSE
#define COUNTS_PER_100MM 1575 /* 400 counts an inch */
#define COUNTS_PER_TURN 297   /* around a 6 mm rod */
#elif HANDLE_BUILD == TABLE
#define COUNTS_PER_100MM 6366 /* 2400 counts around a 12 mm wheel */
#define COUNTS_PER_TURN 4096
#else
#define COUNTS_PER_100MM 6366
#define COUNTS_PER_TURN 2400
#endif
#endif
