using Gantry.Configuration;
using Gantry.Faults;
using Xunit;

namespace Gantry.UnitTests.Configuration;

public sealed class ConfigFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gantry-config-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Load_TheDefaultText_IsTheBuiltInConfiguration() => Assert.Equal(ConfigDump.Of(new GantryConfig()), ConfigDump.Of(Load(ConfigText.Default)));

    [Fact]
    public void DefaultText_EveryKey_IsDocumented()
    {
        var table = "";
        var documented = new HashSet<string>();
        var lines = ConfigText.Default.Split('\n');
        for (var n = 0; n < lines.Length; n++)
        {
            if (lines[n].StartsWith('['))
                table = lines[n].Trim('[', ']') + ".";
            else if (lines[n].Contains('=') && !lines[n].StartsWith('#'))
            {
                documented.Add(table + lines[n].Split('=')[0].Trim());
                if (table != "runtime.handlers.")
                    Assert.True(lines[n - 1].StartsWith('#') || lines[n - 1].Contains('='), $"line {n + 1} has no comment above it, nor above its group: {lines[n]}");
            }
        }

        Assert.Empty(ConfigFile.Keys.Except(documented));
        Assert.Empty(documented.Where(key => !key.StartsWith("runtime.handlers.", StringComparison.Ordinal)).Except(ConfigFile.Keys));
    }

    [Fact]
    public void Dump_EveryKeyChanged_ReadsBackAsTheSame()
    {
        var changed = new GantryConfig
        {
            Root = "/a \"b\" \\ c",
            State = "/s",
            Socket = "/s/x.sock",
            LogLevel = "debug",
            Monitor = "/m",
            PodInit = "/i",
            Selinux = false,
            DefaultHandler = "kata.v2",
            Handlers = new Dictionary<string, HandlerConfig>
            {
                ["crun"] = new("/c"),
                ["runc"] = new("/r"),
                ["kata-v2"] = new("/k") { Arguments = ["--debug"], Environment = ["A=b"], AllowedAnnotations = ["a/*"], PrivilegedWithoutHostDevices = true },
            },
            CdiDirectories = ["/cdi"],
            CniConfTemplate = "/t",
            RuntimeTimeoutSeconds = 7,
            RuntimeMaxParallel = 8,
            CniConfDirectory = "/n",
            CniBinDirectories = ["/b1", "/b2"],
            CniTimeoutSeconds = 9,
            CniMaxParallel = 10,
            CniInstallDefault = false,
            CniDefaultSubnet = "10.1.0.0/16",
            Registry = new RegistryConfig
            {
                CertsDirectories = [],
                MaxParallelDownloads = 11,
                NoProgressSeconds = 12,
                DownloadBytesPerSecond = 13 << 20,
                TokenHosts = new Dictionary<string, string> { ["r.example:5000"] = "t.example" },
                DownloadBytesPerSecondByHost = new Dictionary<string, long> { ["r.example"] = 14 << 20 },
                MaxImageBytes = 15L << 20,
                MaxImageFiles = 16,
                MaxLayers = 17,
                RetrySeconds = 18,
                ScrubHours = 19,
            },
            StreamingPort = 20,
            StreamingIdleSeconds = 21,
            StreamingCreationSeconds = 22,
            LocalPodLogs = "/l",
            LocalPodRestartDelaySeconds = 0,
        } with
        { DefaultHandler = "kata-v2" };

        Assert.Equal(ConfigDump.Of(changed), ConfigDump.Of(Load(ConfigDump.Of(changed))));
    }

    [Theory]
    [InlineData("rooot = \"/x\"", "config.toml(1): 'rooot' is no key")]
    [InlineData("\n\n[cni]\nconf_dri = \"/x\"", "config.toml(4): 'cni.conf_dri' is no key")]
    [InlineData("[runtime.handlers.crun]\nfile = \"/x\"", "config.toml(2): 'runtime.handlers.crun.file' is no key")]
    [InlineData("root = 3", "config.toml(1): root is 3, where text in quotes is expected")]
    [InlineData("root = \"var\"", "root is \"var\", where an absolute path is expected")]
    [InlineData("log_level = \"loud\"", "log_level is \"loud\", where debug or info or warning or error is expected")]
    [InlineData("[cni]\ntimeout_seconds = \"60\"", "config.toml(2): cni.timeout_seconds is \"60\", where a number from 1 to 3600 is expected")]
    [InlineData("[cni]\ntimeout_seconds = 0", "a number from 1 to 3600")]
    [InlineData("[cni]\ntimeout_seconds = 99999999999999", "a number from 1 to 3600")]
    [InlineData("[cni]\ninstall_default = \"yes\"", "where true or false is expected")]
    [InlineData("[cni]\nbin_dirs = \"/x\"", "where a list of texts is expected")]
    [InlineData("[cni]\nbin_dirs = [1]", "text in quotes")]
    [InlineData("[[cni]]\nconf_dir = \"/x\"", "config.toml(1): [[cni]] is a list of tables")]
    [InlineData("root = \"/a\"\nroot = \"/b\"", "config.toml(2,1)")]
    [InlineData("[cni]\nconf_dir = \"/a\"\n[cni]\nconf_dir = \"/b\"", "config.toml(3,1)")]
    [InlineData("[runtime]\ndefault_handler = \"kata\"", "runtime.default_handler is 'kata'")]
    [InlineData("root = \"/same\"\nstate = \"/same\"", "root and state are both /same")]
    [InlineData("root = ", "config.toml(1")]
    [InlineData("cni = { conf_dir = \"/x\" }", "'cni' is no key")]
    public void Load_WrongText_IsRefusedWithFileAndLine(string text, string words)
    {
        var failure = Assert.Throws<InvalidRequestException>(() => Load(text));

        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_SeveralErrors_AreAllTold()
    {
        var failure = Assert.Throws<InvalidRequestException>(() => Load("a = 1\nb = 2\nlog_level = 3"));

        Assert.Equal(3, failure.Message.Split('\n').Length);
    }

    [Fact]
    public void Load_DropIns_CountInTheOrderOfTheirNames()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "conf.d"));
        File.WriteAllText(Path.Combine(_folder, "conf.d", "20-b.toml"), "[cni]\ntimeout_seconds = 2");
        File.WriteAllText(Path.Combine(_folder, "conf.d", "10-a.toml"), "[cni]\ntimeout_seconds = 1\ndefault_subnet = \"10.1.0.0/16\"");
        File.WriteAllText(Path.Combine(_folder, "conf.d", "ignored.conf"), "nonsense");

        var config = Load("[cni]\ntimeout_seconds = 7\nconf_dir = \"/kept\"");

        Assert.Equal((2, "10.1.0.0/16", "/kept"), (config.CniTimeoutSeconds, config.CniDefaultSubnet, config.CniConfDirectory));
    }

    [Fact]
    public void Load_WrongDropIn_NamesItsFile()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "conf.d"));
        File.WriteAllText(Path.Combine(_folder, "conf.d", "10-a.toml"), "\nnonsense = 1");

        var failure = Assert.Throws<InvalidRequestException>(() => Load(""));

        Assert.Contains("10-a.toml(2): 'nonsense'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_HandlersOfTwoFiles_AreAllThere()
    {
        var config = Load("[runtime.handlers]\nkata = \"/k\"\ncrun = \"/mine/crun\"");

        Assert.Equal(["crun", "kata", "runc"], config.Handlers.Keys.Order());
        Assert.Equal("/mine/crun", config.Handlers["crun"].Path);
    }

    [Fact]
    public void Load_FileThatIsNotThere_IsRefused() =>
        Assert.Contains("does not exist", Assert.Throws<InvalidRequestException>(() => ConfigFile.Load(Path.Combine(_folder, "none.toml"))).Message, StringComparison.Ordinal);

    private GantryConfig Load(string text)
    {
        var path = Path.Combine(_folder, "config.toml");
        File.WriteAllText(path, text);
        return ConfigFile.Load(path);
    }
}
