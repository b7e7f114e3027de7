using Gantry.Cli;
using Gantry.Cli.Output;

using var screen = Screen.OfProcess();
return await GantryProgram.RunAsync(args, screen);
