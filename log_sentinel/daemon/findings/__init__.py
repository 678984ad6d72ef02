"""What is found when log-sentinel is examined: `doctor` prints all of it, the running daemon tells what is wrong."""
