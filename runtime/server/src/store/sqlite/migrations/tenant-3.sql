-- Documents bear their checksum, as a comment in JSON5: `{"version":1}//1a2b3c4d`. Those from before have none. A program
-- that does not know that would take them for damaged.

pragma user_version = 3;
