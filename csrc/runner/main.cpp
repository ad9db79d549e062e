#include "runner/application.h"

int main(int argc, char** argv) { tsharness::run_application(argc, argv); }
