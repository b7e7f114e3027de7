using System.Text;
using Gantry.Linux.Files;
using Gantry.Linux.Processes;
using Xunit;

namespace Gantry.UnitTests.Linux;

public sealed class SealedProgramTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gantry-sealed-").FullName;

    private string Program => Path.Combine(_folder, "program");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Current_AnElfProgram_RunsFromMemoryUnderItsOwnName()
    {
        File.Copy("/bin/readlink", Program);
        var copy = new SealedProgram(Program).Current();

        var result = await ToolRunner.RunAsync(new ToolRequest(Program, ["/proc/self/exe"]) { Copy = copy }, CancellationToken.None);

        Assert.Equal("/memfd:program_cloned:/proc/self/exe (deleted)\n", Encoding.UTF8.GetString(result.Output));
    }

    [Fact]
    public void Current_AnElfProgram_CannotBeChanged()
    {
        File.Copy("/bin/true", Program);
        var copy = new SealedProgram(Program).Current()!;

        var e = Assert.ThrowsAny<Exception>(() => File.WriteAllText($"/proc/{Environment.ProcessId}/fd/{copy.Number}", "something else"));

        Assert.True(e is UnauthorizedAccessException or IOException, e.ToString());
        Assert.Equal(File.ReadAllBytes(Program), File.ReadAllBytes(copy.ProcPath));
    }

    [Fact]
    public void Current_AskedAgain_IsTheSameUntilTheFileIsAnother()
    {
        File.Copy("/bin/true", Program);
        var program = new SealedProgram(Program);
        var first = program.Current();
        Assert.Same(first, program.Current());

        File.Copy("/bin/false", Program + ".new");
        File.Move(Program + ".new", Program, overwrite: true);

        var second = program.Current();
        Assert.NotSame(first, second);
        Assert.Equal(File.ReadAllBytes("/bin/false"), File.ReadAllBytes(second!.ProcPath));
    }

    [Fact]
    public void Current_WhatIsToBeStartedFromItsFile_IsNone()
    {
        Assert.Null(new SealedProgram(Program).Current());
        File.WriteAllText(Program, "#!/bin/sh\n");
        Assert.Null(new SealedProgram(Program).Current());
        File.WriteAllBytes(Program, [.. "\u007fELF"u8, .. new byte[(4 << 20) + 1]]);
        Assert.Null(new SealedProgram(Program).Current());
        File.Delete(Program);
        Directory.CreateDirectory(Program);
        Assert.Null(new SealedProgram(Program).Current());
    }

    [Fact]
    public async Task Run_ACopyThatCannotBeExecuted_RunsTheProgram()
    {
        File.WriteAllText(Path.Combine(_folder, "no program"), "");
        using var copy = RegularFile.Open(Path.Combine(_folder, "no program"), 0);

        var result = await ToolRunner.RunAsync(new ToolRequest("/bin/echo", ["done"]) { Copy = copy }, CancellationToken.None);

        Assert.Equal("done\n", Encoding.UTF8.GetString(result.Output));
    }
}
