using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gantry.Serving;

/// <summary>
/// What Kestrel asks for where it serves TLS: its metrics, which are not public and come only by way of a host's builder.
/// This is as much of one as registers them.
/// </summary>
internal sealed class TlsServices : IWebHostBuilder
{
    private readonly ServiceCollection _services = new();

    private TlsServices()
    {
        _services.AddMetrics();
        _services.TryAddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
    }

    /// <summary>The services, to be set as <c>KestrelServerOptions.ApplicationServices</c>.</summary>
    public static IServiceProvider Create()
    {
        var builder = new TlsServices();
        builder.UseKestrelCore();
        return builder._services.BuildServiceProvider();
    }

    public IWebHostBuilder ConfigureServices(Action<IServiceCollection> configureServices)
    {
        configureServices(_services);
        return this;
    }

    public IWebHostBuilder ConfigureServices(Action<WebHostBuilderContext, IServiceCollection> configureServices) => throw new NotSupportedException();

#pragma warning disable ASPDEPR008 // The interface has it.
    public IWebHost Build() => throw new NotSupportedException();
#pragma warning restore ASPDEPR008

    public IWebHostBuilder ConfigureAppConfiguration(Action<WebHostBuilderContext, IConfigurationBuilder> configureDelegate) => throw new NotSupportedException();

    public string? GetSetting(string key) => null;

    public IWebHostBuilder UseSetting(string key, string? value) => this;
}
