/*
 * certlogin: from its arguments to its exit status.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

/* The exit status: that of the command there; 128 and more for a signal; 255
 * for a failure of ours, which was then explained on standard error. */
int client_run(int argc, char **argv);

#endif
