/* The shared library is made of the client module alone; CMake wants one source of its own. */
