"""Services of the operating system: atomic writes, file locks, worker processes, signals, compiled loops, kept memory.

atomic_files   atomic write (temporary file, fsync, rename); StorageError for a full or read-only disk
file_lock      exclusive lock on a file that names its holder
shared_file    cache files that several processes read and one writes; header, CRC-32
signals        SIGINT (Ctrl-C) and SIGTERM: stop a run, exit code
entry          start of every program: exit codes 130 and 143, unprintable characters
launch         start a run in a new process, or in several under torchrun (ranks)
worker_pool    pool of worker processes that end with their parent
numba_kernels  compile CPU kernels with numba
kept_heap      keep freed memory for the next step instead of returning it
user_code      which files are the user's own code, and its errors in one line
yaml_text      read YAML that people write: decimal numbers, no key twice
validation     check YAML against pydantic models; errors as sentences
"""
